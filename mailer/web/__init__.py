"""The pages: what journalists reach from their mail, and the office's desk."""
