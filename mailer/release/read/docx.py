from mailer.release.read.paper import Paper
def read(data: bytes, name: str) -> Paper: raise NotImplementedError
