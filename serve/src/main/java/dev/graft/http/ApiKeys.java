package dev.graft.http;

import dev.graft.openai.ApiException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;

/** The keys that open this server, compared in a time that does not depend on what was sent. */
final class ApiKeys {
  private final List<byte[]> digests;

  ApiKeys(List<String> keys) {
    digests = keys.stream().map(ApiKeys::digest).toList();
  }

  /**
   * Requires a key if there are any.
   *
   * @param authorization the header of that name
   * @throws ApiException 401 without one of them
   */
  void require(Optional<String> authorization) {
    if (digests.isEmpty()) {
      return;
    }
    String bearer = "Bearer ";
    byte[] given =
        digest(
            authorization
                .filter(value -> value.regionMatches(true, 0, bearer, 0, bearer.length()))
                .map(value -> value.substring(bearer.length()).strip())
                .orElse(""));
    boolean known = false;
    for (byte[] digest : digests) {
      known |= MessageDigest.isEqual(digest, given);
    }
    if (!known) {
      throw ApiException.unauthorized(
          authorization.isPresent()
              ? "this API key is not known here"
              : "this server asks for an API key; send it as 'Authorization: Bearer KEY'");
    }
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
