package dev.graft.spark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What a rank prints. Rank 0 speaks to the user; of the others the last sentence of their own is
 * kept, for the case that they fail.
 */
final class RankOutput implements AutoCloseable {
  /** How our own sentences begin; the JVM and libraries write others. */
  private static final String OURS = "graft: ";

  /** A process that the rank has left behind may hold its streams open. */
  private static final long DRAIN_MILLIS = 2000;

  private final List<OutputStream> relays = new ArrayList<>();
  private final List<Thread> pumps = new ArrayList<>();
  private final AtomicReference<String> sentence = new AtomicReference<>("");

  private RankOutput() {}

  /**
   * Begins to read.
   *
   * @param relayed whether it is also passed on
   * @param to where it goes then
   */
  static RankOutput of(Process process, boolean relayed, OutputRelay.Address to)
      throws IOException {
    RankOutput output = new RankOutput();
    try {
      OutputStream err = relayed ? output.keep(to.open(true)) : OutputStream.nullOutputStream();
      if (relayed) {
        OutputStream out = output.keep(to.open(false));
        output.start("rank-out", () -> process.getInputStream().transferTo(out));
      }
      output.start("rank-err", () -> output.lines(process.getErrorStream(), err));
      return output;
    } catch (IOException e) {
      process.destroyForcibly();
      output.close();
      throw e;
    }
  }

  private interface Pump {
    void run() throws IOException;
  }

  private OutputStream keep(OutputStream relay) {
    relays.add(relay);
    return relay;
  }

  private void start(String name, Pump pump) {
    pumps.add(
        Thread.ofPlatform()
            .daemon()
            .name(name)
            .start(() -> {
              try {
                pump.run();
              } catch (IOException e) {
                // The reader or the rank is gone.
              }
            }));
  }

  private void lines(InputStream from, OutputStream to) throws IOException {
    BufferedReader reader = new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8));
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      if (line.startsWith(OURS)) {
        sentence.set(line.substring(OURS.length()));
      }
      to.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      to.flush();
    }
  }

  /** Waits until all has been read of a rank that has ended. */
  void await() throws InterruptedException {
    for (Thread pump : pumps) {
      pump.join(DRAIN_MILLIS);
    }
  }

  /** The last of our own sentences, without its beginning; empty if there was none. */
  String sentence() {
    return sentence.get();
  }

  @Override
  public void close() throws IOException {
    for (OutputStream relay : relays) {
      relay.close();
    }
  }
}
