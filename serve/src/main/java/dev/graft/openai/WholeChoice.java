package dev.graft.openai;

import java.util.List;

/**
 * A choice that is complete.
 *
 * @param scores of its tokens, if asked for
 * @param finish {@code stop} or {@code length}
 */
public record WholeChoice(String text, List<TokenScore> scores, String finish) {}
