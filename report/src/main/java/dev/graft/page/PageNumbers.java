package dev.graft.page;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.OptionalDouble;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Numbers as the page holds them: rounded to what an eye or a tooltip needs; null where not finite.
 */
final class PageNumbers {
  /** Significant digits of a curve. */
  static final int FINE = 6;

  /** Significant digits of a cell of a heat map. */
  static final int COARSE = 4;

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private PageNumbers() {}

  static JsonNode number(double value, int digits) {
    if (!Double.isFinite(value)) {
      return JSON.nullNode();
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits)).stripTrailingZeros();
    return rounded.scale() <= 0 && rounded.precision() - rounded.scale() <= 18
        ? JSON.numberNode(rounded.longValueExact())
        : JSON.numberNode(rounded.doubleValue());
  }

  static JsonNode number(OptionalDouble value, int digits) {
    return value.isPresent() ? number(value.getAsDouble(), digits) : JSON.nullNode();
  }

  static ArrayNode column(double[] values, int digits) {
    ArrayNode column = JSON.arrayNode(values.length);
    for (double value : values) {
      column.add(number(value, digits));
    }
    return column;
  }

  /** Whole numbers (steps, tokens, bytes) keep every digit. */
  static ArrayNode whole(double[] values) {
    ArrayNode column = JSON.arrayNode(values.length);
    for (double value : values) {
      column.add(Math.round(value));
    }
    return column;
  }
}
