package dev.graft.template;

/** A template that cannot be read, or that refuses what it is given. */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public TemplateException(String message) {
    super(message);
  }
}
