package dev.graft.http;

import dev.graft.openai.ApiException;
import dev.graft.service.ServedModel;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** What every request with a body is checked for. */
record Requested(ServedModel model, Consumer<String> log) {
  /**
   * Requires the model that is served, and says which fields are ignored.
   *
   * @throws ApiException 404 if it is another
   */
  void check(String path, Optional<String> name, List<String> ignored) {
    if (name.isPresent() && !name.get().equals(model.name())) {
      throw ApiException.unknownModel(name.get(), model.name());
    }
    if (!ignored.isEmpty()) {
      String list = String.join(", ", ignored.subList(0, Math.min(8, ignored.size())));
      log.accept(path + ": unknown fields are ignored: " + printable(list));
    }
  }

  /** Names come from clients: no line of the log may be forged by one. */
  private static String printable(String text) {
    String clean = text.replaceAll("\\p{Cntrl}", "?");
    return clean.length() > 200 ? clean.substring(0, 200) + "…" : clean;
  }
}
