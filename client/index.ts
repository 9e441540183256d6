/** The player's SDK: `connect` with a place that the allocator gave, and play. For browsers and Node. */
export { allocatorResume } from "./allocator.ts";
export { CLOSE_BAD_FRAME } from "./attempt.ts";
export { connect } from "./connect.ts";
export type { Place, PlayerEvents, PlayerOptions, PlayerState, ResumePlace } from "./options.ts";
export type { Player } from "./player.ts";
export type { Bought } from "./purchases.ts";
export type { PlayerSocket, SocketFactory, SocketHandlers } from "./socket.ts";
