package dev.graft.hub;

import dev.graft.checkpoint.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A file of a repository.
 *
 * @param path below the repository's root, with slashes
 * @param checksum what its bytes must hash to
 */
record HubFile(String path, long size, Checksum checksum) {

  HubFile {
    Path relative = Path.of(path);
    if (relative.isAbsolute()
        || !relative.normalize().equals(relative)
        || relative.startsWith("..")
        || path.isEmpty()) {
      throw new InvalidInputException(
          "the hub lists a file '%s', whose path leads out of the folder; do not use this repository"
              .formatted(path));
    }
  }

  /** How the hub names the content of a file. */
  enum Algorithm {
    /** Of large files (LFS): SHA-256 of the bytes. */
    SHA_256("SHA-256"),
    /** Of small files: SHA-1 of git's header {@code blob SIZE\0} and the bytes. */
    GIT_BLOB("SHA-1");

    private final String digest;

    Algorithm(String digest) {
      this.digest = digest;
    }
  }

  record Checksum(Algorithm algorithm, String hex) {
    MessageDigest digest(long size) {
      try {
        MessageDigest digest = MessageDigest.getInstance(algorithm.digest);
        if (algorithm == Algorithm.GIT_BLOB) {
          digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        return digest;
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e); // every Java has both
      }
    }

    boolean equalTo(MessageDigest digest) {
      return HexFormat.of().formatHex(digest.digest()).equalsIgnoreCase(hex);
    }
  }
}
