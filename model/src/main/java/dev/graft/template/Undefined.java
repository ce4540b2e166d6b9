package dev.graft.template;

/**
 * What a name without a value stands for: empty wherever it is printed, looped over or asked for
 * its truth, and an error wherever it is taken for something.
 *
 * @param name what is not there, for the error
 */
record Undefined(String name) {
  TemplateException error() {
    return new TemplateException(name + " is undefined");
  }
}
