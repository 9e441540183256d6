import { afterAll, beforeAll, expect, it } from "vitest";
import { query } from "../../../platform/postgres.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { numberArray, textArray } from "./array.ts";

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(() => books.close());

const readBack = async (literal: string, type: string): Promise<unknown> =>
  (await query<{ back: unknown }>(books.pool, `SELECT $1::${type}[] AS back`, [literal]))[0]?.back;

it.each([
  [[]],
  [["a", "b c", ""]],
  [[null, "NULL", "null", null]],
  [["{", "}", ",", '"', "\\", '\\"', '","', " x ", "\t\n", "ä € 🚀", "(0,1)"]],
])("texts come back as they were: %j", async (values) => {
  expect(await readBack(textArray(values), "text")).toEqual(values);
});

it("numbers come back as they were, beyond those that JavaScript can count to", async () => {
  const values = ["0", "-1", "9223372036854775807", "-9223372036854775808"];
  expect(await readBack(numberArray(values), "bigint")).toEqual(values);
  expect(await readBack(numberArray([1_763_000_000_000.25, -0.5]), "float8")).toEqual([
    1_763_000_000_000.25, -0.5,
  ]);
});
