package dev.graft.tensorboard;

import dev.graft.events.Event;
import dev.graft.events.LayerStats;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Writes the scalars of a run as TensorBoard event files. Every opening starts a file of its own,
 * named after all that are there; a resumed run tells TensorBoard to forget the steps it redoes.
 * Scalars are 32-bit floats there: {@code events.jsonl} holds the exact values. Not safe for use by
 * several threads.
 */
public final class TensorBoardWriter implements Closeable {
  private final Path file;
  private final FileChannel channel;
  private final InstantSource clock;
  private boolean started;

  private TensorBoardWriter(Path file, FileChannel channel, InstantSource clock) {
    this.file = file;
    this.channel = channel;
    this.clock = clock;
  }

  /**
   * Starts a new event file in {@code dir}, which is created where absent.
   *
   * @throws IOException where the file cannot be made
   */
  public static TensorBoardWriter open(Path dir) throws IOException {
    return open(dir, InstantSource.system());
  }

  static TensorBoardWriter open(Path dir, InstantSource clock) throws IOException {
    Files.createDirectories(dir);
    List<String> taken;
    try (Stream<Path> files = Files.list(dir)) {
      taken = files.map(file -> file.getFileName().toString()).toList();
    }
    // TensorBoard reads a folder's files in the order of their names: a later one must sort later
    long second = clock.instant().getEpochSecond();
    String prefix = prefix(second);
    while (anyStartsWith(taken, prefix)) {
      prefix = prefix(++second);
    }
    Path file = dir.resolve(prefix + "graft." + ProcessHandle.current().pid());
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    TensorBoardWriter writer = new TensorBoardWriter(file, channel, clock);
    try {
      writer.put(EventProto.version(writer.now()));
      return writer;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private static String prefix(long second) {
    return String.format(Locale.ROOT, "events.out.tfevents.%010d.", second);
  }

  private static boolean anyStartsWith(List<String> names, String prefix) {
    return names.stream().anyMatch(name -> name.startsWith(prefix));
  }

  /**
   * Writes the scalars of a step, a validation or a similarity event; other events have none.
   *
   * @throws IOException where the file could not be written
   */
  public void write(Event event) throws IOException {
    switch (event) {
      case Event.Step step -> {
        if (!started) {
          put(EventProto.sessionStart(now(), step.step()));
          started = true;
        }
        put(EventProto.scalars(now(), step.step(), scalars(step)));
      }
      case Event.Validation validation ->
          put(
              EventProto.scalars(
                  now(), validation.step(), Map.of("loss/validation", validation.loss())));
      case Event.Similarity similarity -> {
        Map<String, Double> values = new LinkedHashMap<>();
        for (int i = 0; i < similarity.layers().size(); i++) {
          values.put(ofLayer("expert_similarity", i), similarity.layers().get(i));
        }
        put(EventProto.scalars(now(), similarity.step(), values));
      }
      case Event.Run _,
          Event.Sample _,
          Event.Communication _,
          Event.Timeline _,
          Event.Memory _,
          Event.Saved _ -> {}
    }
  }

  private static Map<String, Double> scalars(Event.Step step) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss/train", step.loss());
    values.put("loss/auxiliary", step.auxLoss());
    values.put("loss/z", step.zLoss());
    values.put("optimizer/lr", step.lr());
    values.put("optimizer/grad_norm", step.gradNorm());
    values.put("throughput/tokens_per_second", step.tokensPerSecond());
    values.put("throughput/mfu", step.mfu());
    values.put("memory/resident_bytes", (double) step.memoryBytes());
    for (LayerStats layer : step.layers()) {
      values.put(ofLayer("drop_rate", layer.layer()), layer.dropRate());
      values.put(ofLayer("alpha", layer.layer()), layer.alpha());
      values.put(ofLayer("max1_over_max2", layer.layer()), layer.max1OverMax2());
      values.put(ofLayer("max2_over_max3", layer.layer()), layer.max2OverMax3());
      values.put(ofLayer("gate_entropy", layer.layer()), layer.entropy());
    }
    return values;
  }

  private static String ofLayer(String what, int layer) {
    return String.format(Locale.ROOT, "%s/layer_%02d", what, layer);
  }

  private double now() {
    return clock.instant().toEpochMilli() / 1000.0;
  }

  private void put(byte[] record) throws IOException {
    ByteBuffer frame = RecordFrame.of(record);
    try {
      while (frame.hasRemaining()) {
        channel.write(frame);
      }
    } catch (IOException e) {
      throw new IOException(
          "could not write to %s: %s; free some space and resume the run"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
