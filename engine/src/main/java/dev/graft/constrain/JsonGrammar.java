package dev.graft.constrain;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The JSON texts that {@code response_format} asks for, written in one of the few ways that
 * docs/constrained-decoding.md describes. Safe to use from several threads; constraints of one
 * grammar share what has been worked out.
 */
public final class JsonGrammar {
  private final Automaton automaton;

  JsonGrammar(Automaton automaton) {
    this.automaton = automaton;
  }

  /**
   * Texts that are valid against a JSON Schema (2020-12).
   *
   * @throws dev.graft.checkpoint.InvalidInputException naming the keyword and its JSON pointer if
   *     the schema asks for what is not supported, or cannot be met, or is too large
   */
  public static JsonGrammar ofSchema(JsonNode schema) {
    return SchemaCompiler.of(schema).grammar();
  }

  /** Any JSON object, as {@code {"type": "json_object"}} asks for. */
  public static JsonGrammar anyObject() {
    return ofSchema(JsonMapper.shared().createObjectNode().put("type", "object"));
  }

  /** The keywords of JSON Schema that a schema may hold, in alphabetical order. */
  public static Set<String> supportedKeywords() {
    return SchemaDocument.supportedKeywords();
  }

  Automaton automaton() {
    return automaton;
  }

  /** Whether the grammar has this text, whatever its tokens. */
  boolean has(String text) {
    synchronized (automaton) {
      Automaton.State state = automaton.start();
      for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
        state = automaton.step(state, b & 0xFF);
      }
      return state.complete();
    }
  }
}
