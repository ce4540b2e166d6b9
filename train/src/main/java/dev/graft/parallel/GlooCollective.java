package dev.graft.parallel;

import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import dev.graft.layout.RankOrder;
import dev.graft.network.Libtorch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Work;
import org.bytedeco.pytorch.global.torch;

/**
 * Ranks that are processes, on one host or several. Every rank sends to every other and receives
 * from every other, rather than in a ring: sums are then added in rank order like those of threads,
 * and whoever falls silent is known by its number.
 */
final class GlooCollective implements Collective {
  /** From here on each rank adds its part of the vector alone and passes the sums on. */
  private static final int LONG = 4096;

  private static final int TAG = 0;

  /** Longer than any user waits between two requests, and short of overflow in the C++ clock. */
  private static final Duration ANY_TIME = Duration.ofDays(365);

  private final ProcessGroupGloo group;
  private final Farewells farewells;
  private final int rank;
  private final int size;
  private final Duration timeout;
  private final float[][] parts;
  private Optional<PeerLostException> lost = Optional.empty();
  private boolean closed;

  GlooCollective(
      ProcessGroupGloo group, Farewells farewells, int rank, int size, Duration timeout) {
    this.group = group;
    this.farewells = farewells;
    this.rank = rank;
    this.size = size;
    this.timeout = timeout;
    this.parts = new float[size][0];
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void allReduceSum(float[] values, int offset, int length) {
    if (length == 0) {
      return;
    }
    int[] whole = new int[size];
    Arrays.fill(whole, length);
    if (length < LONG) {
      exchange(values, offset, new int[size], whole, whole);
      RankOrder.add(parts, 0, length, values, offset);
      return;
    }
    int[] starts = new int[size];
    int[] counts = new int[size];
    for (int r = 0; r < size; r++) {
      starts[r] = (int) ((long) length * r / size);
      counts[r] = (int) ((long) length * (r + 1) / size) - starts[r];
    }
    int[] mine = new int[size];
    Arrays.fill(mine, counts[rank]);
    exchange(values, offset, starts, counts, mine);
    int at = offset + starts[rank];
    RankOrder.add(parts, 0, counts[rank], values, at);
    exchange(values, at, new int[size], mine, counts);
    for (int r = 0; r < size; r++) {
      System.arraycopy(parts[r], 0, values, offset + starts[r], counts[r]);
    }
  }

  @Override
  public void allGather(float[] part, int offset, int[] lengths, float[] all) {
    int[] mine = new int[size];
    Arrays.fill(mine, lengths[rank]);
    exchange(part, offset, new int[size], mine, lengths);
    int at = 0;
    for (int r = 0; r < size; r++) {
      System.arraycopy(parts[r], 0, all, at, lengths[r]);
      at += lengths[r];
    }
  }

  @Override
  public byte[] broadcast(byte[] message) {
    checkUsable();
    try (PointerScope _ = new PointerScope()) {
      if (rank != 0) {
        return receive();
      }
      Tensor length = Libtorch.longs(new long[] {message.length}, 1);
      Tensor bytes = Libtorch.bytes(message.length);
      if (message.length > 0) {
        MemorySegment.copy(
            message, 0, Libtorch.memory(bytes), ValueLayout.JAVA_BYTE, 0, message.length);
      }
      Work[] works = new Work[2 * size];
      for (int r = 1; r < size; r++) {
        works[2 * r] = send(r, length);
        if (message.length > 0) {
          works[2 * r + 1] = send(r, bytes);
        }
      }
      for (int r = 1; r < size; r++) {
        await(r, works[2 * r], timeout);
        if (message.length > 0) {
          await(r, works[2 * r + 1], timeout);
        }
      }
      return message.clone();
    }
  }

  private byte[] receive() {
    Tensor length = Libtorch.longs(new long[1], 1);
    await(0, receive(0, length), ANY_TIME);
    byte[] message = new byte[Math.toIntExact(Libtorch.toLongs(length)[0])];
    if (message.length > 0) {
      Tensor bytes = Libtorch.bytes(message.length);
      await(0, receive(0, bytes), timeout);
      MemorySegment.copy(
          Libtorch.memory(bytes), ValueLayout.JAVA_BYTE, 0, message, 0, message.length);
    }
    return message;
  }

  @Override
  public void barrier() {
    int[] one = new int[size];
    Arrays.fill(one, 1);
    exchange(new float[1], 0, new int[size], one, one);
  }

  /**
   * Sends each rank its piece of {@code values} and fills {@code parts} with what the others sent
   * here and with this rank's piece for itself.
   *
   * @param starts where in {@code values}, from {@code offset}, the piece for each rank begins
   * @param sent lengths of these pieces
   * @param received lengths of the pieces that come from each rank
   */
  private void exchange(float[] values, int offset, int[] starts, int[] sent, int[] received) {
    checkUsable();
    try (PointerScope _ = new PointerScope()) {
      Tensor[] in = new Tensor[size];
      Work[] receiving = new Work[size];
      Work[] sending = new Work[size];
      for (int r = 0; r < size; r++) {
        if (parts[r].length < received[r]) {
          parts[r] = new float[received[r]];
        }
        if (r != rank && received[r] > 0) {
          in[r] = torch.empty(new long[] {received[r]});
          receiving[r] = receive(r, in[r]);
        }
      }
      for (int r = 0; r < size; r++) {
        if (r != rank && sent[r] > 0) {
          Tensor out = torch.empty(new long[] {sent[r]});
          MemorySegment.copy(
              values, offset + starts[r], Libtorch.memory(out), ValueLayout.JAVA_FLOAT, 0, sent[r]);
          sending[r] = send(r, out);
        }
      }
      System.arraycopy(values, offset + starts[rank], parts[rank], 0, sent[rank]);
      for (int r = 0; r < size; r++) {
        if (r != rank && received[r] > 0) {
          await(r, receiving[r], timeout);
          MemorySegment.copy(
              Libtorch.memory(in[r]), ValueLayout.JAVA_FLOAT, 0, parts[r], 0, received[r]);
        }
      }
      for (int r = 0; r < size; r++) {
        if (r != rank && sent[r] > 0) {
          await(r, sending[r], timeout);
        }
      }
    }
  }

  private Work send(int peer, Tensor tensor) {
    return with(peer, () -> group.send(new TensorVector(tensor), peer, TAG));
  }

  private Work receive(int peer, Tensor tensor) {
    return with(peer, () -> group.recv(new TensorVector(tensor), peer, TAG));
  }

  private void await(int peer, Work work, Duration patience) {
    with(peer, () -> work._wait(new Milliseconds(patience.toMillis())));
  }

  /** Runs one exchange with a peer, any failure of which means that a rank is lost. */
  private <T> T with(int peer, Supplier<T> exchange) {
    try {
      return exchange.get();
    } catch (RuntimeException e) {
      boolean silent = String.valueOf(e.getMessage()).contains("Timed out");
      String how =
          silent ? "it did not answer within " + Seconds.of(timeout) : "its connection was closed";
      Farewells.Farewell first = farewells.trace(rank, new Farewells.Farewell(peer, how));
      PeerLostException named = new PeerLostException(first.rank(), size, first.how(), e);
      lost = Optional.of(named);
      throw named;
    }
  }

  private void checkUsable() {
    if (closed) {
      throw new IllegalStateException("the group is closed");
    }
    if (lost.isPresent()) {
      throw new PeerLostException(lost.get().rank(), size, lost.get().how(), lost.get());
    }
  }

  @Override
  public void abort(String reason) {
    leave(reason);
  }

  @Override
  public void close() {
    leave("it has left the group");
  }

  private void leave(String how) {
    if (closed) {
      return;
    }
    closed = true;
    if (lost.isEmpty()) {
      farewells.say(rank, new Farewells.Farewell(rank, how));
    }
    group.close();
  }
}
