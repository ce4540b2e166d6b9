package dev.graft.service;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.constrain.Constraint;
import dev.graft.constrain.JsonGrammar;
import dev.graft.constrain.Vocabulary;
import dev.graft.openai.ApiException;
import dev.graft.openai.ResponseFormat;
import dev.graft.sample.TokenConstraint;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/**
 * Holds answers to what requests want them to be. Safe to use from several threads: grammars that
 * were asked for lately are kept with what has been worked out about them.
 */
public final class Constraints {
  private static final int KEPT = 32;

  private final ServedModel model;
  private final Map<JsonNode, JsonGrammar> grammars =
      new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<JsonNode, JsonGrammar> eldest) {
          return size() > KEPT;
        }
      };
  private final JsonGrammar anyObject = JsonGrammar.anyObject();
  private Vocabulary vocabulary;

  Constraints(ServedModel model) {
    this.model = model;
  }

  /**
   * A constraint for each choice of a request.
   *
   * @throws ApiException if the schema cannot be followed
   */
  Supplier<TokenConstraint> of(ResponseFormat format) {
    return switch (format) {
      case ResponseFormat.Text _ -> () -> TokenConstraint.NONE;
      case ResponseFormat.AnyObject _ -> of(anyObject);
      case ResponseFormat.Schema(JsonNode schema) -> of(grammar(schema));
    };
  }

  private Supplier<TokenConstraint> of(JsonGrammar grammar) {
    Vocabulary tokens = vocabulary();
    return () -> new Constraint(grammar, tokens);
  }

  private JsonGrammar grammar(JsonNode schema) {
    synchronized (grammars) {
      JsonGrammar known = grammars.get(schema);
      if (known != null) {
        return known;
      }
    }
    try {
      JsonGrammar made = JsonGrammar.ofSchema(schema);
      synchronized (grammars) {
        grammars.put(schema, made);
      }
      return made;
    } catch (InvalidInputException e) {
      throw ApiException.invalid("response_format.json_schema.schema", e.getMessage());
    }
  }

  /** Made when it is first asked for, since most servers never are. */
  private synchronized Vocabulary vocabulary() {
    if (vocabulary == null) {
      try {
        vocabulary = Vocabulary.of(model.tokenizer(), model.ends());
      } catch (InvalidInputException e) {
        throw ApiException.invalid("response_format.type", e.getMessage());
      }
    }
    return vocabulary;
  }
}
