package dev.graft.http;

/** Answers one kind of request, on a thread of its own. */
@FunctionalInterface
interface Route {
  /**
   * Answers.
   *
   * @throws dev.graft.openai.ApiException to say why not
   * @throws java.io.IOException if the client has gone
   */
  void answer(Exchange exchange) throws Exception;
}
