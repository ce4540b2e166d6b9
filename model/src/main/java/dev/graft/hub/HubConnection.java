package dev.graft.hub;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Requests to one endpoint. The token goes to that endpoint alone: redirects are followed here, by
 * hand, since those of large files lead to other hosts.
 */
final class HubConnection implements AutoCloseable {
  private static final int REDIRECTS = 5;
  private static final int ERROR_CHARACTERS = 200;

  private final URI endpoint;
  private final Optional<String> token;
  private final Duration patience;
  private final HttpClient client;

  /**
   * @param patience with a server that does not begin to answer
   */
  HubConnection(
      String endpoint, Optional<String> token, Map<String, String> environment, Duration patience) {
    this.endpoint = endpoint(endpoint);
    this.token = token;
    this.patience = patience;
    EnvironmentProxy proxy = new EnvironmentProxy(environment);
    proxy.select(this.endpoint); // says now if the variable cannot be used
    this.client =
        HttpClient.newBuilder()
            .connectTimeout(patience)
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(proxy)
            .build();
  }

  private static URI endpoint(String given) {
    try {
      URI uri = new URI(given.replaceFirst("/+$", ""));
      if (uri.getHost() != null
          && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // said below
    }
    throw new InvalidInputException(
        "HF_ENDPOINT is '%s'; set it to an address such as https://huggingface.co"
            .formatted(given));
  }

  URI resolve(String path) {
    return URI.create(endpoint + path);
  }

  /**
   * The answer after redirects, whatever its status but a refusal.
   *
   * @param from first byte wanted; 0 asks for all
   * @throws InvalidInputException where the hub refuses: there is no such thing, or the token is
   *     missing or may not read it
   */
  HttpResponse<InputStream> get(URI start, long from, HubRepository repository)
      throws IOException, InterruptedException {
    URI uri = start;
    for (int i = 0; i <= REDIRECTS; i++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(uri).timeout(patience).header("User-Agent", "graft");
      if (token.isPresent() && sameOrigin(uri)) {
        request.header("Authorization", "Bearer " + token.get());
      }
      if (from > 0) {
        request.header("Range", "bytes=" + from + "-");
      }
      HttpResponse<InputStream> response;
      try {
        response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      } catch (ConnectException e) {
        throw new ConnectException(
            "could not reach %s; check the network, HF_ENDPOINT and the proxy variables"
                .formatted(uri.getRawAuthority()));
      }
      int status = response.statusCode();
      Optional<String> location = response.headers().firstValue("Location");
      if (status < 300 || status >= 400 || status == 304 || location.isEmpty()) {
        if (sameOrigin(uri)) {
          refuse(response, repository);
        }
        return response;
      }
      response.body().close();
      URI next = uri.resolve(location.get());
      if (next.getHost() == null
          || ("https".equals(uri.getScheme()) && !"https".equals(next.getScheme()))) {
        throw new IOException(
            "%s redirects to %s, which is not encrypted; nothing was fetched"
                .formatted(uri.getRawAuthority(), next));
      }
      uri = next;
    }
    throw new IOException("%s redirects too often".formatted(start));
  }

  private boolean sameOrigin(URI uri) {
    return uri.getScheme().equals(endpoint.getScheme())
        && uri.getRawAuthority().equalsIgnoreCase(endpoint.getRawAuthority());
  }

  private void refuse(HttpResponse<InputStream> response, HubRepository repository)
      throws IOException {
    int status = response.statusCode();
    if (status != 401 && status != 403 && status != 404) {
      return;
    }
    response.body().close();
    String page = resolve(repository.webPath()).toString();
    if (status == 404) {
      boolean revision =
          response.headers().firstValue("X-Error-Code").orElse("").equals("RevisionNotFound");
      throw new InvalidInputException(
          revision
              ? "the %s has no revision %s; look at %s"
                  .formatted(repository, repository.revision(), page)
              : "there is no %s at %s%s"
                  .formatted(
                      repository,
                      endpoint,
                      repository.kind() == HubRepository.Kind.MODEL
                          ? "; for a data set add --dataset"
                          : "; for a model leave out --dataset"));
    }
    throw new InvalidInputException(
        token.isPresent()
            ? "the token in HF_TOKEN may not read the %s: accept its conditions at %s with the token's account, or set another"
                .formatted(repository, page)
            : "the %s does not exist, or it is private or gated: accept its conditions at %s and set the variable HF_TOKEN to a token that may read it"
                .formatted(repository, page));
  }

  /** A sentence for a status that is no success. */
  static IOException unexpected(HttpResponse<InputStream> response) throws IOException {
    String body;
    try (InputStream in = response.body()) {
      body = new String(in.readNBytes(ERROR_CHARACTERS), StandardCharsets.UTF_8);
    }
    return new IOException(
        "%s answered with status %d (%s); try again later"
            .formatted(
                response.uri().getRawAuthority(),
                response.statusCode(),
                body.strip().replaceAll("\\s+", " ")));
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
