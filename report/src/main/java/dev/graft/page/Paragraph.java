package dev.graft.page;

import java.util.Optional;

/**
 * Plain text on the page; nothing in it is read as markup.
 *
 * @param heading shown above the text
 * @param text blank lines separate paragraphs
 */
public record Paragraph(Optional<String> heading, String text) {
  /** Text without a heading. */
  public static Paragraph of(String text) {
    return new Paragraph(Optional.empty(), text);
  }

  /** Text under a heading. */
  public static Paragraph titled(String heading, String text) {
    return new Paragraph(Optional.of(heading), text);
  }
}
