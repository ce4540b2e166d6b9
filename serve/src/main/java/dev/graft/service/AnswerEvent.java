package dev.graft.service;

import dev.graft.openai.TokenScore;
import dev.graft.schedule.Finish;
import java.util.List;

/** What happens to one choice of an answer. */
public sealed interface AnswerEvent {
  /** Which choice of the request. */
  int choice();

  /**
   * Its next token, or what was held back when there is none.
   *
   * @param text that is certain now; empty where the token has none, or while a character or what
   *     may become a stop string is incomplete
   * @param scores of the tokens since the last piece, if asked for
   */
  record Piece(int choice, String text, List<TokenScore> scores) implements AnswerEvent {}

  /**
   * Its end.
   *
   * @param promptTokens of its prompt
   * @param tokens generated
   */
  record Ended(int choice, Finish finish, int promptTokens, int tokens) implements AnswerEvent {}

  /** It failed. */
  record Failed(int choice, Throwable cause) implements AnswerEvent {}
}
