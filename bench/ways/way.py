"""What every way has."""

from ..topology import HELLO, NAME, SERVERS


class Way:
    """One way for bytes or questions through the gateway. `key` names it in files, `title` in the table."""

    key = ""
    title = ""
    destinations = SERVERS  # where the client goes
    is_http = False
    is_base = False  # whether others are compared with it

    def __init__(self, topology):
        self.topology = topology
        self.server = None  # its process, when it has one

    def start(self):
        """Everything is in force and ready when this returns."""

    def stop(self):
        """Nothing of it is left."""
        if self.server is not None:
            self.topology.stop_server(self.server)
            self.server = None

    def groups(self):
        """The process groups whose CPU time and memory are its own."""
        return [self.server.pid] if self.server is not None else []

    def request(self):
        """What the load client is to say, as its options."""
        if self.is_http:
            return ["--port", "80", "--http", NAME]
        return ["--port", "443", "--hello", str(HELLO)]

    # for those that have a program in the gateway

    def folder(self):
        folder = self.topology.folder / self.key
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)  # some programs give up root
        return folder

    def run_program(self, command, is_ready, **options):
        """Starts the program in the gateway's namespace and waits until it is ready."""
        self.server = self.topology.start_server(self.topology.gateway, self.key, command, **options)
        self.server.wait_until(is_ready, "being ready", seconds=20)

    def is_listening(self, port, kind="tcp"):
        """Whether something in the gateway listens at that port."""
        option = "-lnt" if kind == "tcp" else "-lnu"
        return f":{port} " in self.topology.gateway.run(["ss", option])

    def load_rules(self, text):
        self.topology.gateway.run(["nft", "-f", "-"], input=text)

    def drop_rules(self, table):
        self.topology.gateway.run(["nft", "delete", "table", "inet", table], check=False)
