package dev.graft.task;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.template.Template;
import dev.graft.template.TemplateException;
import java.util.Map;

/**
 * Text with the fields of a record in it, in Jinja; a field that is not there is an error. The mere
 * name of a field stands for its value.
 */
public final class PromptTemplate {
  private final String place;
  private final String source;
  private final Template template;

  /**
   * Reads a template.
   *
   * @param place file and key, for errors
   * @throws InvalidInputException if it cannot be read
   */
  public PromptTemplate(String place, String source) {
    this.place = place;
    this.source = source;
    try {
      // Chat templates lose a line break at their end; prompts keep it.
      this.template = Template.parse(source.endsWith("\n") ? source + "\n" : source);
    } catch (TemplateException e) {
      throw new InvalidInputException(
          place + ": the template cannot be read: " + e.getMessage(), e);
    }
  }

  /** The template itself. */
  public String source() {
    return source;
  }

  /**
   * The text for a record.
   *
   * @throws InvalidInputException if the template asks for what the record does not have
   */
  public String render(Map<String, Object> fields) {
    Object own = fields.get(source);
    if (own != null) {
      return own.toString();
    }
    try {
      return template.renderStrictly(fields);
    } catch (TemplateException e) {
      throw new InvalidInputException(
          place + ": " + e.getMessage() + "; a record has the fields " + fields.keySet(), e);
    }
  }
}
