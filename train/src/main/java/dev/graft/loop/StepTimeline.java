package dev.graft.loop;

import dev.graft.events.Event;
import dev.graft.network.Libtorch;
import dev.graft.parallel.Team;
import dev.graft.parallel.TensorGroup;
import dev.graft.parallel.Timeline;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** What all ranks did in a step, told to all. */
final class StepTimeline {
  private StepTimeline() {}

  /** Ends recording; all ranks call it. */
  static Event.Timeline gather(int step, Team team) {
    byte[] own = lines(team.timeline().end()).getBytes(StandardCharsets.UTF_8);
    TensorGroup world = team.world();
    List<Event.Track> tracks = new ArrayList<>();
    for (int rank = 0; rank < world.size(); rank++) {
      int length = Math.toIntExact(world.broadcastLong(own.length, rank));
      tracks.add(
          new Event.Track(
              rank, spans(rank == world.rank() ? send(world, own) : receive(world, rank, length))));
    }
    return new Event.Timeline(step, List.copyOf(tracks));
  }

  private static byte[] send(TensorGroup world, byte[] own) {
    try (PointerScope _ = new PointerScope()) {
      Tensor bytes = Libtorch.bytes(own.length);
      Libtorch.memory(bytes).copyFrom(MemorySegment.ofArray(own));
      world.broadcast(bytes, world.rank());
      return own;
    }
  }

  private static byte[] receive(TensorGroup world, int root, int length) {
    try (PointerScope _ = new PointerScope()) {
      Tensor bytes = Libtorch.bytes(length);
      world.broadcast(bytes, root);
      byte[] received = new byte[length];
      MemorySegment.ofArray(received).copyFrom(Libtorch.memory(bytes));
      return received;
    }
  }

  private static String lines(List<Timeline.Span> spans) {
    StringBuilder text = new StringBuilder();
    for (Timeline.Span span : spans) {
      text.append(span.kind().label()).append('\t').append(span.name()).append('\t');
      text.append(span.start()).append('\t').append(span.nanos()).append('\n');
    }
    return text.toString();
  }

  private static List<Event.Span> spans(byte[] text) {
    return new String(text, StandardCharsets.UTF_8)
        .lines()
        .map(line -> line.split("\t", -1))
        .map(f -> new Event.Span(f[0], f[1], seconds(f[2]), seconds(f[3])))
        .sorted(Comparator.comparingDouble(Event.Span::start))
        .toList();
  }

  private static double seconds(String nanos) {
    return Math.round(Long.parseLong(nanos) / 1000.0) / 1e6;
  }
}
