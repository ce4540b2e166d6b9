package dev.graft.loop;

import dev.graft.network.MicroBatch;
import dev.graft.network.Network;
import dev.graft.parallel.TensorGroup;
import dev.graft.parallel.Timeline;
import dev.graft.routing.RoutingStats;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * The stretches of layers of one stage, and how micro-batches pass through them. Activations go to
 * the stage after, gradients to the one before; what comes next is awaited while the present work
 * is computed.
 */
final class Pipeline implements AutoCloseable {
  private final List<Network> chunks;
  private final TensorGroup stages;
  private final Timeline timeline;

  /**
   * What a step gave on this stage.
   *
   * @param lossSum 0 but on the last stage
   * @param routing sums over micro-batches of each MoE layer held, by its number in the model
   */
  record Step(double lossSum, Map<Integer, RoutingStats> routing) {}

  private record Arrival(Tensor tensor, TensorGroup.Transfer transfer) {}

  Pipeline(List<Network> chunks, TensorGroup stages, Timeline timeline) {
    this.chunks = List.copyOf(chunks);
    this.stages = stages;
    this.timeline = timeline;
  }

  /** The chunks in the model's order. */
  List<Network> chunks() {
    return chunks;
  }

  /**
   * Gradients of a step.
   *
   * @param scale of the summed cross entropy
   * @param alpha per MoE layer of the model
   * @param groups routing groups of the step, those of other replicas included
   * @param whole hears the number of each layer when the gradients of its weights are whole
   */
  Step step(List<MicroBatch> batches, double scale, double[] alpha, int groups, IntConsumer whole) {
    chunks.getFirst().clearGradients();
    return new Run(batches).step(scale, alpha, groups, whole);
  }

  /** Σ cross entropy of a micro-batch without gradients; 0 but on the last stage. */
  double evaluate(MicroBatch batch) {
    Run run = new Run(List.of(batch));
    double loss = 0;
    for (int c = 0; c < chunks.size(); c++) {
      PipelineSchedule.Work work = new PipelineSchedule.Work(true, c, 0);
      run.expect(work);
      Optional<Tensor> input = run.arrived(work);
      Network.Evaluation evaluation = chunks.get(c).evaluate(batch, input);
      loss += evaluation.result().lossSum();
      run.send(work, evaluation.output());
      input.ifPresent(Tensor::releaseReference);
      evaluation.output().releaseReference();
    }
    run.finish();
    return loss;
  }

  /** One step's exchanges. */
  private final class Run {
    private final List<MicroBatch> batches;
    private final Map<PipelineSchedule.Work, Arrival> expected = new HashMap<>();
    private final Map<PipelineSchedule.Work, Network.Pass> under = new HashMap<>();
    private final Map<Integer, RoutingStats> routing = new HashMap<>();
    private final List<TensorGroup.Transfer> sent = new ArrayList<>();

    Run(List<MicroBatch> batches) {
      this.batches = batches;
    }

    Step step(double scale, double[] alpha, int groups, IntConsumer whole) {
      List<PipelineSchedule.Work> order =
          PipelineSchedule.of(stages.size(), stages.rank(), chunks.size(), batches.size());
      double loss = 0;
      expect(order.getFirst());
      for (int i = 0; i < order.size(); i++) {
        if (i + 1 < order.size()) {
          expect(order.get(i + 1));
        }
        PipelineSchedule.Work work = order.get(i);
        Optional<Tensor> arrived = arrived(work);
        Network network = chunks.get(work.chunk());
        if (work.forward()) {
          Network.Pass pass =
              timeline.during(
                  Timeline.Kind.COMPUTE,
                  name(work),
                  () -> network.forward(batches.get(work.micro()), arrived));
          send(work, pass.output());
          under.put(work, pass);
        } else {
          Network.Pass pass =
              under.remove(new PipelineSchedule.Work(true, work.chunk(), work.micro()));
          IntConsumer through = work.micro() == batches.size() - 1 ? whole : _ -> {};
          Network.Backward back =
              timeline.during(
                  Timeline.Kind.COMPUTE,
                  name(work),
                  () ->
                      network.backward(
                          pass, arrived, scale, alpha, groups, work.micro() == 0, through));
          send(work, back.gradient());
          back.gradient().releaseReference();
          loss += back.result().lossSum();
          add(network, back.result().routing());
        }
        arrived.ifPresent(Tensor::releaseReference);
      }
      finish();
      return new Step(loss, routing);
    }

    private String name(PipelineSchedule.Work work) {
      return (work.forward() ? "forward " : "backward ")
          + work.micro()
          + (chunks.size() > 1 ? " of chunk " + work.chunk() : "");
    }

    private void add(Network network, List<RoutingStats> stats) {
      for (int l = 0; l < stats.size(); l++) {
        routing.merge(network.held().from() + l, stats.get(l), RoutingStats::plus);
      }
    }

    /** Begins to receive what a piece of work needs. */
    void expect(PipelineSchedule.Work work) {
      Network network = chunks.get(work.chunk());
      if (work.forward() ? network.first() : network.last()) {
        return;
      }
      int from = Math.floorMod(stages.rank() + (work.forward() ? -1 : 1), stages.size());
      int boundary = work.forward() ? network.held().from() : network.held().to();
      try (PointerScope _ = new PointerScope()) {
        Tensor room = network.boundary(batches.get(work.micro()));
        TensorGroup.Transfer transfer =
            stages.receive(room, from, tag(work.forward(), boundary, work.micro()));
        expected.put(work, new Arrival(room.retainReference(), transfer));
      }
    }

    Optional<Tensor> arrived(PipelineSchedule.Work work) {
      Optional<Arrival> arrival = Optional.ofNullable(expected.remove(work));
      arrival.ifPresent(a -> a.transfer().await());
      return arrival.map(Arrival::tensor);
    }

    /** Begins to send what a piece of work gave. */
    void send(PipelineSchedule.Work work, Tensor given) {
      Network network = chunks.get(work.chunk());
      if (work.forward() ? network.last() : network.first()) {
        return;
      }
      int to = Math.floorMod(stages.rank() + (work.forward() ? 1 : -1), stages.size());
      int boundary = work.forward() ? network.held().to() : network.held().from();
      try (PointerScope _ = new PointerScope()) {
        sent.add(stages.send(given.contiguous(), to, tag(work.forward(), boundary, work.micro())));
      }
    }

    /** Unique in a step: a boundary between layers, a direction and a micro-batch. */
    private int tag(boolean forward, int boundary, int micro) {
      return (2 * boundary + (forward ? 0 : 1)) * batches.size() + micro + 1;
    }

    void finish() {
      sent.forEach(TensorGroup.Transfer::await);
    }
  }

  @Override
  public void close() {
    chunks.forEach(Network::close);
  }
}
