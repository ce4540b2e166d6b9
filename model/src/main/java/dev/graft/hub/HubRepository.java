package dev.graft.hub;

import dev.graft.checkpoint.InvalidInputException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A repository of the Hugging Face hub at one revision.
 *
 * @param kind models and data sets have addresses of their own
 * @param id {@code OWNER/NAME}, or {@code NAME} alone for some old ones
 * @param revision a branch, tag or commit
 */
public record HubRepository(Kind kind, String id, String revision) {
  private static final Pattern ID = Pattern.compile("\\w[\\w.-]*(/\\w[\\w.-]*)?");

  /** What a repository holds. */
  public enum Kind {
    /** Weights, tokenizer and configuration. */
    MODEL("models", ""),
    /** Questions, texts. */
    DATASET("datasets", "datasets/");

    private final String api;
    private final String web;

    Kind(String api, String web) {
      this.api = api;
      this.web = web;
    }
  }

  public HubRepository {
    if (!ID.matcher(id).matches()) {
      throw new InvalidInputException(
          "'%s' is no repository of the hub; give OWNER/NAME".formatted(id));
    }
    if (revision.isBlank()) {
      throw new InvalidInputException("the revision is empty; give a branch, a tag or a commit");
    }
  }

  HubRepository at(String commit) {
    return new HubRepository(kind, id, commit);
  }

  String infoPath() {
    return "/api/%s/%s/revision/%s".formatted(kind.api, id, encoded(revision));
  }

  String treePath() {
    return "/api/%s/%s/tree/%s?recursive=true".formatted(kind.api, id, encoded(revision));
  }

  String filePath(String path) {
    String encodedPath =
        Stream.of(path.split("/", -1)).map(HubRepository::encoded).collect(Collectors.joining("/"));
    return "/%s%s/resolve/%s/%s".formatted(kind.web, id, encoded(revision), encodedPath);
  }

  String webPath() {
    return "/" + kind.web + id;
  }

  private static String encoded(String part) {
    return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
  }

  @Override
  public String toString() {
    return (kind == Kind.MODEL ? "model " : "data set ") + id;
  }
}
