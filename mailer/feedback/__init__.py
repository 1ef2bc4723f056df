"""What answers mean: the judge of SMTP replies and of reports that come back.

Pure: no database, socket, clock or environment.
"""
