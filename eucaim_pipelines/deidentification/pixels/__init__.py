"""What the pixels show: burned-in text, and faces."""
