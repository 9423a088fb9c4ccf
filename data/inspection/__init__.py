"""What one recording is: decoded, measured, judged, and repaired where that is honest."""
