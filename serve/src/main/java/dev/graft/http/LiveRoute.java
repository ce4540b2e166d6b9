package dev.graft.http;

import dev.graft.schedule.SchedulerState;
import dev.graft.service.EngineState;
import dev.graft.service.RequestClock;
import dev.graft.service.Service;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code GET /live}: what the batch and the experts are at, an event a second. */
record LiveRoute(Service service) implements Route {
  private static final long PERIOD_MILLIS = 1000;

  @Override
  public void answer(Exchange exchange) throws Exception {
    exchange.beginEvents();
    long time = System.nanoTime();
    long tokens = service.metrics().generated();
    long[][] load = service.metrics().load().counts();
    while (service.engine().state() == EngineState.READY && !exchange.gone()) {
      long now = System.nanoTime();
      long generated = service.metrics().generated();
      long[][] counts = service.metrics().load().counts();
      double rate = now == time ? 0 : (generated - tokens) * 1e9 / (now - time);
      ObjectNode event = event(rate);
      if (counts.length > 0) {
        shares(event.putArray("expert_load"), load, counts);
      }
      exchange.events(new StringBuilder("data: ").append(event).append("\n\n"));
      time = now;
      tokens = generated;
      load = counts;
      Thread.sleep(PERIOD_MILLIS);
    }
    exchange.endEvents();
  }

  private ObjectNode event(double rate) {
    SchedulerState state = service.engine().scheduler();
    ObjectNode event = JsonMapper.shared().createObjectNode();
    event.put("running", state.running());
    event.put("waiting", state.waiting());
    event.put("max_sequences", service.engine().maxSequences());
    event.put("pages", state.pages());
    event.put("pages_used", state.pagesUsed());
    event.put("pages_cached", state.pagesCached());
    event.put("tokens_per_second", Math.round(rate * 10) / 10.0);
    ArrayNode sequences = event.putArray("sequences");
    for (RequestClock clock : service.metrics().active()) {
      ObjectNode sequence = sequences.addObject();
      sequence.put("id", clock.id());
      sequence.put("prompt_tokens", clock.promptTokens());
      sequence.put("completion_tokens", clock.tokens());
      sequence.put("state", clock.tokens() == 0 ? "prefill" : "decode");
    }
    return event;
  }

  /** Per layer the share of its tokens that each expert got since the last event. */
  private static void shares(ArrayNode layers, long[][] before, long[][] now) {
    for (int layer = 0; layer < now.length; layer++) {
      long sum = 0;
      for (int expert = 0; expert < now[layer].length; expert++) {
        sum += now[layer][expert] - before[layer][expert];
      }
      ArrayNode shares = layers.addArray();
      for (int expert = 0; expert < now[layer].length; expert++) {
        double share = sum == 0 ? 0 : (double) (now[layer][expert] - before[layer][expert]) / sum;
        shares.add(Math.round(share * 1e4) / 1e4);
      }
    }
  }
}
