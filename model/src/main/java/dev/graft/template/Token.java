package dev.graft.template;

/**
 * A piece of a template.
 *
 * @param text what it says: of a string its value, of anything else how it is written
 * @param line where it begins, from 1
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    /** Text between tags. */
    DATA,
    /** <code>{{</code>. */
    PRINT_BEGIN,
    /** <code>}}</code>. */
    PRINT_END,
    /** <code>{%</code>. */
    TAG_BEGIN,
    /** <code>%}</code>. */
    TAG_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    /** The end of the template. */
    END
  }

  boolean is(Kind other, String what) {
    return kind == other && text.equals(what);
  }
}
