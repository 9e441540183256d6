/**
 * Entities as rules see them: one small object per row whose properties read and write the zone's columns.
 *
 * Objects are made once per row and reused, and nothing can be added to them: state lives in columns or nowhere.
 */
import type { Entity, GameDeclaration } from "../game.ts";
import type { NumberArray, ZoneMemory } from "./memory.ts";
import type { Schema } from "./schema.ts";

export type AnyEntity = Entity<GameDeclaration>;

interface Handle {
  readonly row: number;
  readonly memory: ZoneMemory;
}

/** Returns the entity of a row, living or not. */
export function entityTable(schema: Schema, memory: ZoneMemory): (row: number) => AnyEntity {
  const prototype = entityPrototype(schema, memory);
  const made: (AnyEntity | undefined)[] = Array.from({ length: memory.rows });
  return (row) => {
    const known = made[row];
    if (known) return known;
    const entity = Object.create(prototype, {
      row: { value: row, enumerable: true },
      memory: { value: memory },
    }) as AnyEntity;
    Object.preventExtensions(entity);
    made[row] = entity;
    return entity;
  };
}

/** Ids are never 0, and the same row gets another id at each spawn (until 65,535 spawns have passed). */
export function entityId(memory: ZoneMemory, row: number): number {
  return (((memory.generation[row] as number) << 16) | row) >>> 0;
}

function entityPrototype(schema: Schema, memory: ZoneMemory): object {
  const properties: PropertyDescriptorMap = {
    id: { get: property((self) => entityId(self.memory, self.row)) },
    kind: { get: property((self) => schema.kinds[(self.memory.kind[self.row] as number) - 1]?.name) },
    player: { get: property((self) => (self.memory.owner[self.row] as number) - 1) },
  };
  for (const [index, column] of schema.columns.entries()) {
    properties[column.name] = accessor(memory.columns[index] as NumberArray);
  }
  return Object.create(null, properties) as object;
}

/** Reads and writes one column. Floats, which are most, have code of their own: it stays specialised to them. */
function accessor(column: NumberArray): PropertyDescriptor {
  if (column instanceof Float32Array) {
    return {
      enumerable: true,
      get(this: Handle) {
        return column[this.row];
      },
      set(this: Handle, value: number) {
        column[this.row] = value;
      },
    };
  }
  return {
    enumerable: true,
    get(this: Handle) {
      return column[this.row];
    },
    set(this: Handle, value: number) {
      column[this.row] = value;
    },
  };
}

function property<T>(read: (self: Handle) => T): () => T {
  return function get(this: Handle) {
    return read(this);
  };
}
