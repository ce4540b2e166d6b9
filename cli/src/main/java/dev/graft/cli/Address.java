package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;

/** Where rank 0 is reached. */
record Address(String host, int port) {
  /**
   * Reads {@code HOST:PORT}; an IPv6 address stands in brackets.
   *
   * @throws InvalidInputException if it is none
   */
  static Address parse(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon).replaceAll("^\\[(.*)]$", "$1");
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      if (!host.isEmpty() && port > 0 && port <= 65535) {
        return new Address(host, port);
      }
    } catch (NumberFormatException e) {
      // the sentence below says what is wrong
    }
    throw new InvalidInputException(
        "--master is '" + text + "'; give rank 0's address and port, such as 10.0.0.1:29500");
  }
}
