"""The campaign: real processes killed a thousand times, and the ledger held against the server."""
