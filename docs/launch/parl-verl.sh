#!/bin/sh
# A 4 B policy on four GPUs of a node of eight; the sub-agents' endpoint has the other four.
# DATA is a Parquet file with the columns prompt, data_source, agent_name = parl, and what your
# environment reads of a row. Run in the folder that holds this file.
set -eu
: "${DATA:?a Parquet file of training tasks}" "${TEST:?one of test tasks}"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" CUDA_VISIBLE_DEVICES=0,1,2,3
exec python -m verl.trainer.main_ppo \
  data.train_files="$DATA" data.val_files="$TEST" data.train_batch_size=32 \
  data.max_prompt_length=4096 data.max_response_length=12288 data.return_raw_chat=true \
  algorithm.adv_estimator=grpo algorithm.norm_adv_by_std_in_grpo=false \
  actor_rollout_ref.model.path=Qwen/Qwen3-4B \
  actor_rollout_ref.model.external_lib=openswarm_verl \
  actor_rollout_ref.model.enable_gradient_checkpointing=true \
  actor_rollout_ref.actor.policy_loss.loss_mode=parl \
  actor_rollout_ref.actor.policy_loss.dro_beta=0.02 \
  actor_rollout_ref.actor.clip_ratio_low=0.3 actor_rollout_ref.actor.clip_ratio_high=0.3 \
  actor_rollout_ref.actor.loss_agg_mode=token-mean \
  actor_rollout_ref.actor.use_kl_loss=false \
  actor_rollout_ref.actor.ppo_mini_batch_size=32 \
  actor_rollout_ref.actor.use_dynamic_bsz=true \
  actor_rollout_ref.actor.ppo_max_token_len_per_gpu=16384 \
  actor_rollout_ref.actor.optim.lr=1e-6 \
  actor_rollout_ref.rollout.name=vllm actor_rollout_ref.rollout.n=8 \
  actor_rollout_ref.rollout.tensor_model_parallel_size=1 \
  actor_rollout_ref.rollout.gpu_memory_utilization=0.5 \
  actor_rollout_ref.rollout.calculate_log_probs=true \
  actor_rollout_ref.rollout.agent.num_workers=8 \
  actor_rollout_ref.rollout.agent.default_agent_loop=parl \
  actor_rollout_ref.rollout.agent.agent_loop_config_path="$PWD/parl-loops.yaml" \
  trainer.use_v1=true trainer.v1.trainer_mode=sync \
  trainer.nnodes=1 trainer.n_gpus_per_node=4 \
  trainer.total_training_steps=200 trainer.save_freq=20 trainer.test_freq=20 \
  trainer.project_name=parl trainer.experiment_name=qwen3-4b "$@"
