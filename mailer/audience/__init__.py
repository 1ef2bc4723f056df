"""Journalists: their addresses, the lists they come in, and the segments that choose among them.

Pure: no database, network, clock or environment. The store keeps what is made here.
"""
