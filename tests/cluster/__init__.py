"""Two machines that share a distribution while one dies and the database restarts."""
