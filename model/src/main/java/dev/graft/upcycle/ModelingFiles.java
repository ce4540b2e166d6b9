package dev.graft.upcycle;

import dev.graft.checkpoint.CheckpointWriter;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * The Python files by which transformers loads the Skywork-MoE form, and the {@code auto_map} that
 * names them.
 */
final class ModelingFiles {
  private static final List<String> FILES =
      List.of("configuration_skywork_moe.py", "modeling_skywork_moe.py");

  private ModelingFiles() {}

  static void write(CheckpointWriter writer, ObjectNode config) throws IOException {
    for (String file : FILES) {
      try (InputStream in = ModelingFiles.class.getResourceAsStream(file)) {
        writer.writeFile(file, in.readAllBytes());
      }
    }
    config
        .putObject("auto_map")
        .put("AutoConfig", "configuration_skywork_moe.SkyworkMoeConfig")
        .put("AutoModelForCausalLM", "modeling_skywork_moe.SkyworkForCausalLM");
  }
}
