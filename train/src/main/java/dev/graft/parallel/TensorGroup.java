package dev.graft.parallel;

import dev.graft.network.Exchange;
import dev.graft.network.Libtorch;
import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AllreduceOptions;
import org.bytedeco.pytorch.BroadcastOptions;
import org.bytedeco.pytorch.LongVector;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Work;
import org.bytedeco.pytorch.global.torch;

/**
 * Ranks that exchange tensors over Gloo. Tensors are contiguous and on the CPU; all ranks call the
 * same methods in the same order with the same shapes and types. A lost rank makes a call throw;
 * {@link Watch} knows which it was.
 */
public final class TensorGroup implements Exchange, AutoCloseable {
  private final Optional<ProcessGroupGloo> group;
  private final int rank;
  private final int size;
  private final String name;
  private final Timeline timeline;
  private long bytes;
  private long nanos;

  private TensorGroup(
      Optional<ProcessGroupGloo> group, int rank, int size, String name, Timeline timeline) {
    this.group = group;
    this.rank = rank;
    this.size = size;
    this.name = name;
    this.timeline = timeline;
  }

  static TensorGroup of(
      ProcessGroupGloo group, int rank, int size, String name, Timeline timeline) {
    return new TensorGroup(Optional.of(group), rank, size, name, timeline);
  }

  /** A group of one, whose exchanges change nothing. */
  public static TensorGroup alone() {
    return new TensorGroup(Optional.empty(), 0, 1, "alone", new Timeline());
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
  public void allReduceSum(Tensor tensor) {
    beginAllReduceSum(tensor).ifPresent(Transfer::await);
  }

  /**
   * Begins to replace elements by their sums over the group; nobody touches them until {@link
   * Transfer#await} has returned.
   *
   * @return empty if there is nothing to wait for
   */
  public Optional<Transfer> beginAllReduceSum(Tensor tensor) {
    if (group.isEmpty() || tensor.numel() == 0) {
      return Optional.empty();
    }
    bytes += 2 * tensor.nbytes() * (size - 1) / size;
    try (PointerScope _ = new PointerScope()) {
      Work work = group.get().allreduce(new TensorVector(tensor), new AllreduceOptions());
      return Optional.of(new Transfer(Timeline.Kind.ALL_REDUCE, work.retainReference(), tensor));
    }
  }

  /** Gives all the tensor of {@code root}, a place in the group. */
  public void broadcast(Tensor tensor, int root) {
    if (group.isEmpty() || tensor.numel() == 0) {
      return;
    }
    try (PointerScope _ = new PointerScope()) {
      BroadcastOptions options = new BroadcastOptions();
      options.rootRank(root);
      bytes += root == rank ? tensor.nbytes() * (size - 1) : 0;
      await(Timeline.Kind.BROADCAST, group.get().broadcast(new TensorVector(tensor), options));
    }
  }

  @Override
  public Tensor allGather(Tensor own, long[] rows) {
    if (group.isEmpty()) {
      return own;
    }
    try (PointerScope _ = new PointerScope()) {
      Tensor[] copies = new Tensor[size];
      Arrays.fill(copies, own);
      long[] sent = new long[size];
      Arrays.fill(sent, rows[rank]);
      return exchange(
              Timeline.Kind.ALL_GATHER,
              torch.cat(new TensorVector(copies), 0),
              sent,
              rows,
              () -> {})
          .retainReference();
    }
  }

  @Override
  public Tensor reduceScatter(Tensor partial, long[] rows) {
    if (group.isEmpty()) {
      return partial;
    }
    long[] received = new long[size];
    Arrays.fill(received, rows[rank]);
    Tensor parts = exchange(Timeline.Kind.REDUCE_SCATTER, partial, rows, received, () -> {});
    long[] shape = new long[parts.shape().length + 1];
    System.arraycopy(parts.shape(), 0, shape, 1, shape.length - 1);
    shape[0] = size;
    shape[1] = rows[rank];
    return parts.view(shape).sum(0);
  }

  @Override
  public Tensor allToAll(Tensor rows, long[] sent, long[] received, Runnable meanwhile) {
    if (group.isEmpty()) {
      meanwhile.run();
      return rows;
    }
    return exchange(Timeline.Kind.ALL_TO_ALL, rows.contiguous(), sent, received, meanwhile);
  }

  /** Also gathers and scatters are made of this: the others of the library want even parts. */
  private Tensor exchange(
      Timeline.Kind kind, Tensor rows, long[] sent, long[] received, Runnable meanwhile) {
    long[] shape = rows.shape();
    shape[0] = Arrays.stream(received).sum();
    Tensor arrived = torch.empty(shape, rows.options(), new MemoryFormatOptional());
    try (PointerScope _ = new PointerScope()) {
      long leaving = Arrays.stream(sent).sum() - sent[rank];
      if (rows.size(0) > 0) {
        bytes += leaving * (rows.nbytes() / rows.size(0));
      }
      Work work =
          group.get().alltoall_base(arrived, rows, new LongVector(received), new LongVector(sent));
      meanwhile.run();
      await(kind, work);
    }
    return arrived;
  }

  /** The number of {@code root}. */
  public long broadcastLong(long value, int root) {
    try (PointerScope _ = new PointerScope()) {
      Tensor one = Libtorch.longs(new long[] {value}, 1);
      broadcast(one, root);
      return Libtorch.toLongs(one)[0];
    }
  }

  /** Sums of numbers over the group. */
  public double[] allReduceSum(double[] values) {
    if (group.isEmpty()) {
      return values.clone();
    }
    try (PointerScope _ = new PointerScope()) {
      Tensor all = Tensor.create(values, values.length);
      allReduceSum(all);
      return Libtorch.toDoubles(all);
    }
  }

  /**
   * Begins to send; the tensor stays as it is until {@link Transfer#await} has returned.
   *
   * @param peer a place in the group
   * @param tag tells apart what is under way between two ranks at once
   */
  public Transfer send(Tensor tensor, int peer, int tag) {
    bytes += tensor.nbytes();
    return new Transfer(
        Timeline.Kind.PIPELINE_WAIT,
        group.orElseThrow().send(new TensorVector(tensor), peer, tag).retainReference(),
        tensor);
  }

  /** Begins to receive into a tensor. */
  public Transfer receive(Tensor tensor, int peer, int tag) {
    return new Transfer(
        Timeline.Kind.PIPELINE_WAIT,
        group.orElseThrow().recv(new TensorVector(tensor), peer, tag).retainReference(),
        tensor);
  }

  /** A tensor under way. */
  public final class Transfer {
    private final Timeline.Kind kind;
    private final Work work;
    private final Tensor tensor;

    private Transfer(Timeline.Kind kind, Work work, Tensor tensor) {
      this.kind = kind;
      this.work = work;
      this.tensor = tensor.retainReference();
    }

    /** Waits until it has left, arrived or been summed. */
    public void await() {
      TensorGroup.this.await(kind, work);
      work.releaseReference();
      tensor.releaseReference();
    }
  }

  private void await(Timeline.Kind kind, Work work) {
    long began = System.nanoTime();
    work._wait();
    long ended = System.nanoTime();
    nanos += ended - began;
    timeline.add(kind, name, began, ended);
  }

  /**
   * What was exchanged so far.
   *
   * @param bytes that this rank sent to others: of an all-reduce 2 (P − 1)/P times the tensor, as
   *     in a ring; of a broadcast P − 1 times, counted at the root
   * @param seconds that it waited for exchanges to end
   */
  public record Traffic(long bytes, double seconds) {
    /** What came after an earlier count. */
    public Traffic since(Traffic earlier) {
      return new Traffic(bytes - earlier.bytes, seconds - earlier.seconds);
    }
  }

  /** Counted from the start. */
  public Traffic traffic() {
    return new Traffic(bytes, nanos * 1e-9);
  }

  /** Waits until all ranks are here. */
  public void barrier() {
    if (group.isPresent()) {
      try (PointerScope _ = new PointerScope()) {
        await(Timeline.Kind.BARRIER, group.get().barrier());
      }
    }
  }

  @Override
  public void close() {
    group.ifPresent(ProcessGroupGloo::close);
  }
}
