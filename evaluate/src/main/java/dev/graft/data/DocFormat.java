package dev.graft.data;

/** Forms of a benchmark's file. */
public enum DocFormat {
  /** Comma-separated values, the names of the fields in the first line; all values are strings. */
  CSV,
  /** One JSON object a line. */
  JSONL,
  /**
   * WikiText's raw text, cut into its articles as EleutherAI's {@code wikitext_document_level}
   * does; one field, {@code page}.
   */
  WIKITEXT
}
