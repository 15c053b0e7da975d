"""A private certificate authority, made anew for every run and never installed on the host."""

from .processes import run


class CertificateAuthority:
    """Signs the lab's servers. Clients are given `certificate` by option, the host trusts nothing."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self._folder = folder
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca.key"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", "/CN=sallyport laboratory", "-keyout", str(self._key),
             "-out", str(self.certificate)])

    def issue(self, label, names=(), addresses=()):
        """Makes a key and a certificate for these names and addresses; returns both paths."""
        key = self._folder / f"{label}.key"
        request = self._folder / f"{label}.csr"
        certificate = self._folder / f"{label}.pem"
        alternatives = ",".join([f"DNS:{name}" for name in names] + [f"IP:{a}" for a in addresses])
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", f"/CN={label}", "-addext", f"subjectAltName={alternatives}",
             "-keyout", str(key), "-out", str(request)])
        run(["openssl", "x509", "-req", "-in", str(request), "-CA", str(self.certificate),
             "-CAkey", str(self._key), "-CAcreateserial", "-days", "2", "-copy_extensions", "copy",
             "-out", str(certificate)])
        return key, certificate
