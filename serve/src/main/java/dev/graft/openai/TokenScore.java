package dev.graft.openai;

import java.util.List;

/**
 * A token and how likely the model found it.
 *
 * @param token id
 * @param text of it alone
 * @param logprob natural logarithm of its probability; not a number for the first token of a prompt
 * @param top the most likely tokens there, themselves without alternatives
 */
public record TokenScore(int token, String text, double logprob, List<TokenScore> top) {}
