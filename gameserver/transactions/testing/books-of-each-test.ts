import { afterEach, beforeEach } from "vitest";
import { type Books, openBooks } from "./books.ts";

/** Fresh books for each test of the file; a test that leaves them unbalanced fails. */
export function booksOfEachTest(): Omit<Books, "close"> {
  let books: Books;
  beforeEach(async () => {
    books = await openBooks();
  });
  afterEach(async () => {
    const wrong = await books.imbalance();
    await books.close();
    if (wrong) throw new Error(wrong);
  });
  return {
    get url() {
      return books.url;
    },
    get pool() {
      return books.pool;
    },
    get stream() {
      return books.stream;
    },
    get ledger() {
      return books.ledger;
    },
    balance: (account, asset) => books.balance(account, asset),
    count: (table) => books.count(table),
    imbalance: () => books.imbalance(),
  };
}
