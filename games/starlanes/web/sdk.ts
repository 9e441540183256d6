/** What the page uses of the SDK, in one place. */
export {
  allocatorResume,
  connect,
  type Place,
  type Player,
  type PlayerState,
} from "../../../client/index.ts";
export type { GameEvent } from "../../../protocol/frames-event.ts";
export type { View } from "../../../protocol/view.ts";
