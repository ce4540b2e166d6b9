package dev.graft.openai;

import tools.jackson.databind.JsonNode;

/** What an answer must be. */
public sealed interface ResponseFormat {
  /** Any text. */
  record Text() implements ResponseFormat {}

  /** Any JSON object. */
  record AnyObject() implements ResponseFormat {}

  /**
   * JSON that a schema describes.
   *
   * @param schema a JSON Schema
   */
  record Schema(JsonNode schema) implements ResponseFormat {}
}
