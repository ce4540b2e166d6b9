package dev.graft.hub;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One file of the hub brought onto the disk: into a part file beside its place, which a later run
 * goes on with, and renamed only when its checksum is right.
 */
final class HubDownload {
  private static final int CHUNK = 1 << 20;
  private static final int ATTEMPTS = 5;

  private final HubConnection connection;
  private final HubRepository repository;
  private final HubListener listener;
  private final Duration patience;
  private final Duration pause;

  /**
   * @param patience with a server from which no byte comes
   * @param pause before a request is repeated; twice as long each time
   */
  HubDownload(
      HubConnection connection,
      HubRepository repository,
      HubListener listener,
      Duration patience,
      Duration pause) {
    this.connection = connection;
    this.repository = repository;
    this.listener = listener;
    this.patience = patience;
    this.pause = pause;
  }

  /** Where the bytes of a file are until they are all there. */
  static Path part(HubFile file, Path target) {
    // The checksum in the name: another content of the same path is never gone on with.
    String hex = file.checksum().hex();
    return target.resolveSibling(
        "." + target.getFileName() + "." + hex.substring(0, Math.min(12, hex.length())) + ".part");
  }

  /** Whether the file is there, whole. */
  static boolean there(HubFile file, Path target) throws IOException {
    if (!Files.isRegularFile(target) || Files.size(target) != file.size()) {
      return false;
    }
    MessageDigest digest = file.checksum().digest(file.size());
    add(digest, target);
    return file.checksum().equalTo(digest);
  }

  private static void add(MessageDigest digest, Path file) throws IOException {
    byte[] chunk = new byte[CHUNK];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        digest.update(chunk, 0, n);
      }
    }
  }

  /**
   * Fetches the file to {@code target}.
   *
   * @throws IOException where the server, the network, the disk or the checksum fails; what has
   *     arrived stays for the next run, unless the checksum says that it is wrong
   */
  void fetch(HubFile file, Path target) throws IOException, InterruptedException {
    Files.createDirectories(target.getParent());
    Path part = part(file, target);
    URI uri = connection.resolve(repository.filePath(file.path()));
    try (FileChannel channel =
        FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      if (channel.tryLock() == null) {
        throw new IOException(target + " is being fetched by another graft; wait for it");
      }
      if (channel.size() > file.size()) {
        channel.truncate(0);
      }
      receive(uri, file, target, channel);
      channel.force(true);
    }
    MessageDigest digest = file.checksum().digest(file.size());
    add(digest, part);
    if (!file.checksum().equalTo(digest)) {
      Files.delete(part);
      throw new IOException(
          "what arrived of %s is damaged: its %s is not the one that the hub lists; it was deleted, run the same command again"
              .formatted(file.path(), file.checksum().algorithm()));
    }
    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private void receive(URI uri, HubFile file, Path target, FileChannel channel)
      throws IOException, InterruptedException {
    int failures = 0;
    while (channel.size() < file.size()) {
      long before = channel.size();
      try {
        request(uri, file, channel);
      } catch (DiskException e) {
        throw new IOException(
            "could not write %s: %s; free %d MB and run the same command again, it goes on where it stopped"
                .formatted(
                    target,
                    e.getCause().getMessage(),
                    Math.ceilDiv(file.size() - channel.size(), 1_000_000)),
            e.getCause());
      } catch (IOException e) {
        failures = channel.size() > before ? 1 : failures + 1;
        if (failures >= ATTEMPTS) {
          throw new IOException(
              "could not fetch %s: %s; run the same command again, it goes on where it stopped"
                  .formatted(file.path(), e.getMessage()),
              e);
        }
        listener.retry(file.path(), e.getMessage());
        Thread.sleep(pause.multipliedBy(1L << (failures - 1)));
      }
    }
  }

  /** One request for what is missing. */
  private void request(URI uri, HubFile file, FileChannel channel)
      throws IOException, InterruptedException {
    long from = channel.size();
    HttpResponse<InputStream> response = connection.get(uri, from, repository);
    boolean continued = response.statusCode() == 206 && startsAt(response, from);
    if (response.statusCode() == 416 || (response.statusCode() == 206 && !continued)) {
      response.body().close();
      restart(channel);
      throw new IOException("the server did not go on at byte " + from);
    }
    if (!continued && response.statusCode() != 200) {
      throw HubConnection.unexpected(response);
    }
    if (!continued) {
      restart(channel);
    }
    channel.position(channel.size());
    try (InputStream body = response.body();
        Watch watch = new Watch(body, patience)) {
      byte[] chunk = new byte[CHUNK];
      for (int n = watch.read(body, chunk); n >= 0; n = watch.read(body, chunk)) {
        if (channel.position() + n > file.size()) {
          restart(channel);
          throw new IOException("more arrived than the %d bytes listed".formatted(file.size()));
        }
        write(channel, ByteBuffer.wrap(chunk, 0, n));
        listener.bytes(n);
      }
    }
    if (channel.size() < file.size()) {
      throw new EOFException("the connection ended at byte " + channel.size());
    }
  }

  private static boolean startsAt(HttpResponse<?> response, long from) {
    return response
        .headers()
        .firstValue("Content-Range")
        .orElse("")
        .startsWith("bytes " + from + "-");
  }

  private void restart(FileChannel channel) throws IOException {
    listener.bytes(-channel.size());
    channel.truncate(0);
    channel.position(0);
  }

  private static void write(FileChannel channel, ByteBuffer bytes) throws DiskException {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw new DiskException(e);
    }
  }

  /** The disk failed, not the network: repeating would not help. */
  private static final class DiskException extends IOException {
    private static final long serialVersionUID = 1L;

    DiskException(IOException cause) {
      super(cause);
    }
  }

  /** Closes a body from which nothing comes any more: the client itself would wait for ever. */
  private static final class Watch implements AutoCloseable {
    private final AtomicLong last = new AtomicLong(System.nanoTime());
    private final AtomicBoolean expired = new AtomicBoolean();
    private final Thread thread;

    Watch(InputStream body, Duration patience) {
      thread =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  long left = patience.toNanos();
                  while (left > 0) {
                    TimeUnit.NANOSECONDS.sleep(left);
                    left = last.get() + patience.toNanos() - System.nanoTime();
                  }
                  expired.set(true);
                  body.close();
                } catch (InterruptedException e) {
                  // the body ended by itself
                } catch (IOException e) {
                  throw new IllegalStateException(e); // closing a stream of the client never fails
                }
              });
    }

    int read(InputStream body, byte[] chunk) throws IOException {
      int n;
      try {
        n = body.read(chunk);
      } catch (IOException e) {
        throw expired.get() ? new IOException("nothing more came", e) : e;
      }
      last.set(System.nanoTime());
      return n;
    }

    @Override
    public void close() {
      thread.interrupt();
    }
  }
}
