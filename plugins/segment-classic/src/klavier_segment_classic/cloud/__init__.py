"""What Segment's servers send."""
