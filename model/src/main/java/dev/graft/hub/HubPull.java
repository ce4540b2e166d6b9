package dev.graft.hub;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Brings a repository of the Hugging Face hub into a folder: what is there is kept, what is half
 * there is gone on with, every file is checked against the checksum that the hub lists. Branches
 * move, so the revision is resolved to a commit first and every file is of that commit.
 */
public final class HubPull {
  private static final Pattern NEXT = Pattern.compile("<([^>]+)>\\s*;\\s*rel=\"next\"");
  private static final int PAGES = 1000;

  private final HubConnection connection;
  private final Duration patience;
  private final Duration pause;

  /**
   * What to bring.
   *
   * @param include globs over whole paths, such as {@code *.json}; a pattern without a slash also
   *     fits in folders; empty for all
   * @param out the folder, created where absent
   */
  public record Request(HubRepository repository, List<String> include, Path out) {}

  /**
   * What was done.
   *
   * @param commit that the files are of
   * @param fetched how many were fetched
   * @param kept how many were there already
   * @param leftOut paths of the files that are in a form that is not read, such as pickles
   */
  public record Result(String commit, int fetched, int kept, List<String> leftOut) {}

  private HubPull(HubConnection connection, Duration patience, Duration pause) {
    this.connection = connection;
    this.patience = patience;
    this.pause = pause;
  }

  /**
   * Brings a repository from the hub that the environment names: {@code HF_ENDPOINT}, {@code
   * HF_TOKEN} and the proxy variables.
   *
   * @throws InvalidInputException where there is no such repository, it may not be read, or there
   *     is nothing in it to fetch
   * @throws IOException where the network, the server, the disk or a checksum fails
   */
  public static Result run(Request request, Map<String, String> environment, HubListener listener)
      throws IOException {
    return run(request, environment, listener, Duration.ofSeconds(60), Duration.ofSeconds(1));
  }

  static Result run(
      Request request,
      Map<String, String> environment,
      HubListener listener,
      Duration patience,
      Duration pause)
      throws IOException {
    String endpoint = environment.getOrDefault("HF_ENDPOINT", "https://huggingface.co");
    Optional<String> token =
        Optional.ofNullable(environment.get("HF_TOKEN"))
            .map(String::strip)
            .filter(t -> !t.isEmpty());
    try (HubConnection connection = new HubConnection(endpoint, token, environment, patience)) {
      return new HubPull(connection, patience, pause).run(request, listener);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("the pull was interrupted; run it again to go on", e);
    }
  }

  private Result run(Request request, HubListener listener)
      throws IOException, InterruptedException {
    String commit = commit(request.repository());
    HubRepository pinned = request.repository().at(commit);
    List<HubFile> wanted = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    List<PathMatcher> globs = globs(request.include());
    for (JsonNode node : tree(pinned)) {
      String path = node.path("path").asString();
      if (globs.isEmpty() || globs.stream().anyMatch(glob -> glob.matches(Path.of(path)))) {
        if (ReadableForms.read(path)) {
          wanted.add(file(node));
        } else {
          leftOut.add(path);
        }
      }
    }
    if (wanted.isEmpty()) {
      throw nothing(request, leftOut);
    }
    Path out = request.out().toAbsolutePath().normalize();
    List<HubFile> missing = new ArrayList<>();
    long total = 0;
    long done = 0;
    for (HubFile file : wanted) {
      Path target = out.resolve(file.path());
      total += file.size();
      if (HubDownload.there(file, target)) {
        done += file.size();
      } else {
        Path part = HubDownload.part(file, target);
        done += Files.exists(part) ? Math.min(Files.size(part), file.size()) : 0;
        missing.add(file);
      }
    }
    Files.createDirectories(out);
    requireSpace(out, total - done);
    listener.begin(wanted.size(), total, done);
    HubDownload download = new HubDownload(connection, pinned, listener, patience, pause);
    for (HubFile file : missing) {
      Path target = out.resolve(file.path());
      requireInside(out, target);
      download.fetch(file, target);
      CheckpointWriter.sync(target.getParent());
    }
    return new Result(commit, missing.size(), wanted.size() - missing.size(), leftOut);
  }

  private static InvalidInputException nothing(Request request, List<String> leftOut) {
    Optional<String> pickle = leftOut.stream().filter(ReadableForms::pickled).findFirst();
    if (pickle.isPresent()) {
      return new InvalidInputException(
          "%s of the %s is a pickle, which can run code when it is read, and is never fetched; look for safetensors or GGUF"
              .formatted(pickle.get(), request.repository()));
    }
    return new InvalidInputException(
        request.include().isEmpty()
            ? "the %s has no file that is read".formatted(request.repository())
            : "no file of the %s that is read matches --include %s"
                .formatted(request.repository(), String.join(" ", request.include())));
  }

  /** A folder in the way may be a link that leads elsewhere. */
  private static void requireInside(Path out, Path target) throws IOException {
    Path existing = target.getParent();
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (!existing.toRealPath().startsWith(out.toRealPath())) {
      throw new InvalidInputException(
          "%s leads out of %s by a link; remove the link or give another --out"
              .formatted(existing, out));
    }
  }

  private static void requireSpace(Path out, long bytes) throws IOException {
    long free = Files.getFileStore(out).getUsableSpace();
    if (free < bytes) {
      throw new IOException(
          "%s needs %d MB more, but its disk has %d MB left; free some space or give another --out"
              .formatted(out, Math.ceilDiv(bytes, 1_000_000), free / 1_000_000));
    }
  }

  private static List<PathMatcher> globs(List<String> patterns) {
    List<PathMatcher> globs = new ArrayList<>();
    for (String pattern : patterns) {
      try {
        globs.add(FileSystems.getDefault().getPathMatcher("glob:" + pattern));
        if (!pattern.contains("/")) {
          globs.add(FileSystems.getDefault().getPathMatcher("glob:**/" + pattern));
        }
      } catch (IllegalArgumentException e) {
        throw new InvalidInputException(
            "--include '%s' is no glob; give one such as '*.safetensors'".formatted(pattern), e);
      }
    }
    return globs;
  }

  private String commit(HubRepository repository) throws IOException, InterruptedException {
    JsonNode info = json(connection.resolve(repository.infoPath()), repository).json();
    String sha = info.path("sha").asString("");
    if (!sha.matches("[0-9a-f]{40,64}")) {
      throw new IOException("the hub does not say which commit " + repository.revision() + " is");
    }
    return sha;
  }

  /** The files, page by page. */
  private List<JsonNode> tree(HubRepository repository) throws IOException, InterruptedException {
    List<JsonNode> files = new ArrayList<>();
    Optional<URI> next = Optional.of(connection.resolve(repository.treePath()));
    for (int page = 0; page < PAGES && next.isPresent(); page++) {
      Page answer = json(next.get(), repository);
      for (JsonNode node : answer.json()) {
        if (node.path("type").asString("").equals("file")) {
          files.add(node);
        }
      }
      next = answer.next();
    }
    return files;
  }

  private record Page(JsonNode json, Optional<URI> next) {}

  private Page json(URI uri, HubRepository repository) throws IOException, InterruptedException {
    HttpResponse<InputStream> response = connection.get(uri, 0, repository);
    if (response.statusCode() != 200) {
      throw HubConnection.unexpected(response);
    }
    Optional<URI> next =
        response.headers().allValues("Link").stream()
            .map(NEXT::matcher)
            .filter(Matcher::find)
            .map(found -> response.uri().resolve(found.group(1)))
            .findFirst();
    try (InputStream body = response.body()) {
      return new Page(JsonMapper.shared().readTree(body.readAllBytes()), next);
    } catch (JacksonException e) {
      throw new IOException(
          "%s answered, but not as a Hugging Face hub does; check HF_ENDPOINT"
              .formatted(uri.getRawAuthority()),
          e);
    }
  }

  private static HubFile file(JsonNode node) {
    JsonNode lfs = node.path("lfs");
    boolean large = lfs.isObject();
    return new HubFile(
        node.path("path").asString(),
        (large ? lfs : node).path("size").asLong(),
        large
            ? new HubFile.Checksum(HubFile.Algorithm.SHA_256, lfs.path("oid").asString())
            : new HubFile.Checksum(HubFile.Algorithm.GIT_BLOB, node.path("oid").asString()));
  }
}
