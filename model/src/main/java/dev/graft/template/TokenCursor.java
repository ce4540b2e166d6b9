package dev.graft.template;

import java.util.List;

/** Where a parser is in the tokens. */
final class TokenCursor {
  private final List<Token> tokens;
  private int at;

  TokenCursor(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return peek(0);
  }

  Token peek(int ahead) {
    return tokens.get(Math.min(at + ahead, tokens.size() - 1));
  }

  Token next() {
    Token token = peek();
    at++;
    return token;
  }

  /** Whether the next token is this one; then it is taken. */
  boolean skip(Token.Kind kind, String text) {
    boolean found = peek().is(kind, text);
    at += found ? 1 : 0;
    return found;
  }

  Token expect(Token.Kind kind) {
    if (peek().kind() != kind) {
      throw error("'" + peek().text() + "' stands where a " + kind + " was expected");
    }
    return next();
  }

  void expect(Token.Kind kind, String text) {
    if (!skip(kind, text)) {
      throw error("'" + peek().text() + "' stands where '" + text + "' was expected");
    }
  }

  TemplateException error(String message) {
    return new TemplateException("line " + peek().line() + ": " + message);
  }
}
