"""Invented names, and the slips people make when they write names down.

The tables are this generator's own. The matcher has others: a slip it happens to know and one it
does not are both in here, so that measuring against this truth is no self-portrait.
"""

from __future__ import annotations

import numpy as np

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘蔡蒋余于杜叶程魏苏"
    "吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛阎段雷黎史陶贺毛郝顾龚邵万覃"
    "武钱戴严欧莫孔向常汤康易乔赖文洪游俞章凌聂申单仇解翟"
)
"""Family names, the commonest first."""

_GIVEN = (
    "伟玮炜维 芳方 娜 敏民 静靖婧敬 丽莉立力 强 磊 洋阳扬 勇永 艳燕雁 杰洁捷 涛滔 明铭鸣 超 秀绣 "
    "霞 平萍屏 刚 桂贵 英瑛颖盈 华桦 玉钰瑜宇 兰岚 梅玫 建健剑 红宏洪鸿 军君钧均 志智致 文雯 国 海 "
    "林琳霖 龙隆 波博 辉晖慧惠 云芸 春 秋 雪 佳嘉家 欣心新馨 怡逸毅义 子梓紫 轩萱 涵晗寒 浩皓昊 然 "
    "思斯 睿瑞锐 雨语羽 诗 晨辰 一依伊 泽 俊 凯恺 鑫 倩茜 婷 璐露 珊杉 莹滢 蕾 晶 旭 峰锋 斌彬 "
    "亮 东冬 成诚承 庆 荣容蓉 福 清青 彤桐 可 果 安 宁 乐 天 小晓 大 正政 才 富 双 长 金锦 祥翔 "
    "朝 仁 礼 信 忠 学 生升 胜圣 全权 炎妍彦 昕 奕 烨 悦月越 琪祺奇琦 淇 楠南 蓓 菲飞 媛元源 "
)
_SURNAME_GROUPS = "张章 王汪 徐许 于余俞 江姜 沈申 邱仇 石史 付傅 何贺 肖萧 严阎颜 叶业"
_NEARLY_GROUPS = "林凌 陈程 金靳 宁林 兰南 诗思 山珊 春村 岚楠 莹银 明敏 英音 昌仓 丽妮 晨岑"
HOMOPHONES = {c: g.replace(c, "") for g in _GIVEN.split() for c in g if len(g) > 1} | {
    c: g.replace(c, "") for g in _SURNAME_GROUPS.split() for c in g
}
"""Characters that sound the same (tones aside), by character."""

NEARLY = {c: g.replace(c, "") for g in _NEARLY_GROUPS.split() for c in g}
"""Characters some dialects do not tell apart (n and l, zh and z, -n and -ng)."""

_LOOK_ALIKE_GROUPS = (
    "晴睛 祥详 洋样 明朋 杨扬 莹萤 玲铃 未末 已己 士土 佳住 恬括 妹姝 昊吴 宇字 晖辉 梁粱 "
    "竞竟 侯候 茶荼 荣莱 段殷 崔催 孟盂 兰三 天夫 俊骏 浩洁 玉王 睿容 彤肜 欣炊 博搏 "
    "娜那 静挣 丽两 强张 磊垒 艳艺 杰木 涛寿 超起 霞霜 萍苹 刚钢 英央 建律 志忘 国围 林休"
)
LOOK_ALIKES = {c: g.replace(c, "") for g in _LOOK_ALIKE_GROUPS.split() for c in g}
"""Characters that are taken for one another on paper."""

_POOL = np.array(list(_GIVEN.replace(" ", "")))


def _falling(count: int, by: float) -> np.ndarray:
    """Shares that fall with rank, as names do."""
    shares = 1.0 / np.arange(3, count + 3) ** by
    return shares / shares.sum()


def surnames(rng: np.random.Generator, count: int) -> np.ndarray:
    """Family names, common ones more often."""
    return rng.choice(np.array(list(SURNAMES)), count, p=_falling(len(SURNAMES), 1.0))


def given_characters(rng: np.random.Generator, count: int, is_man: np.ndarray) -> np.ndarray:
    """Characters of given names; men and women draw from the same pool in different order."""
    shares = _falling(len(_POOL), 0.85)
    order = np.random.default_rng(7).permutation(len(_POOL))
    drawn = rng.choice(len(_POOL), count, p=shares)
    return _POOL[np.where(is_man, order[drawn], order[::-1][drawn])]


def slipped(name: str, kind: str, rng: np.random.Generator) -> str:
    """A name with one slip of a kind, or the same name where that slip cannot happen to it.

    Args:
        name: Family name of one character and a given name.
        kind: `homophone`, `nearly`, `look`, `wrong`, `dropped`, `swapped`.
        rng: Source of chance.
    """
    if kind == "dropped":
        return name[0] + name[2:] if len(name) > 2 else name
    if kind == "swapped":
        return name[0] + name[:0:-1] if len(name) > 2 else name
    places = rng.permutation(len(name))
    for place in places.tolist():
        if kind == "wrong":
            into = str(rng.choice(_POOL))
        else:
            table = {"homophone": HOMOPHONES, "nearly": NEARLY, "look": LOOK_ALIKES}[kind]
            options = table.get(name[place], "")
            if not options:
                continue
            into = options[int(rng.integers(len(options)))]
        if place == 0 and kind == "wrong":
            continue
        return name[:place] + into + name[place + 1 :]
    return name
