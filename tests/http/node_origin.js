// usage: node_origin.js PORT strict|lenient: an origin that reads with Node's parser.
"use strict";

const http = require("http");
const [port, manner] = process.argv.slice(2);
const options = { insecureHTTPParser: manner === "lenient", joinDuplicateHeaders: false };

http.createServer(options, (request, response) => {
  request.on("end", () => {
    response.writeHead(200, { "Content-Length": 0, "X-Seen": `${request.headers.host || ""} ${request.url}` });
    response.end();
  });
  request.resume();
}).listen(Number(port), "127.0.0.1");
