package dev.graft.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code summary.json}: the figures of a demo for a script. Losses are in nats. */
final class DemoSummary {
  private DemoSummary() {}

  static void write(DemoResult result, DemoOptions options, Optional<Trunk.Grown> grown)
      throws IOException {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("seed", options.seed());
    options.from().ifPresent(from -> json.put("from", from.toString()));
    result.floor().ifPresent(floor -> json.put("floor", floor));
    grown.ifPresent(g -> run(json.putObject("pretraining"), g.pretraining(), grown));
    ObjectNode runs = json.putObject("runs");
    for (RunOutcome arm : result.arms()) {
      run(runs.putObject(arm.name()), arm, grown);
    }
    Files.writeString(
        result.summary(),
        JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
  }

  private static void run(ObjectNode json, RunOutcome run, Optional<Trunk.Grown> grown) {
    json.put("tokens", run.tokens());
    json.put("validation_loss", run.validationLoss());
    json.put("parameters", run.parameters());
    json.put("seconds", run.seconds());
    json.put("checkpoint", run.checkpoint().toString());
    grown.ifPresent(g -> {
      FactCheck facts = FactCheck.of(g.corpus().world(), run.samples());
      json.put("sampled_facts", facts.told());
      json.put("sampled_facts_right", facts.right());
    });
  }
}
