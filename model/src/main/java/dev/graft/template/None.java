package dev.graft.template;

/** Python's {@code None}. */
enum None {
  NONE
}
