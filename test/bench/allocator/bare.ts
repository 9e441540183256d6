/** The floor: fastify that takes the same JSON and answers as many bytes, and does nothing else. */
import fastify from "fastify";

const answer = {
  namespace: "default",
  fleet: "bench",
  server: "bench-server",
  zone: "z".repeat(33),
  address: "127.0.0.1",
  port: 7000,
  expiresAt: new Date().toISOString(),
  sessions: [
    { player: "player-0", session: "s".repeat(36), ticket: "t".repeat(560), resumeToken: "r".repeat(59) },
  ],
};
const server = fastify();
server.post("/v1/allocations", () => answer);
console.log(await server.listen({ host: "127.0.0.1", port: 0 }));
